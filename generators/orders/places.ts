/**
 * Cities (LGU: local government units) of the Philippines with the ISO 3166-2 code of their province, weighted towards the
 * metropolitan areas. The weights are of the order of thousands of inhabitants.
 */
export interface Place {
  lgu: string;
  province: string;
  weight: number;
  metropolitan: boolean;
}

const metropolitan = (lgu: string, province: string, weight: number): Place => ({
  ...{ lgu, province, weight: weight * 2, metropolitan: true },
});
const elsewhere = (lgu: string, province: string, weight: number): Place => ({
  ...{ lgu, province, weight, metropolitan: false },
});

/** People in a metropolitan area order twice as often. */
export const PLACES: readonly Place[] = [
  metropolitan('Quezon City', 'PH-00', 2_960),
  metropolitan('Manila', 'PH-00', 1_850),
  metropolitan('Caloocan', 'PH-00', 1_660),
  metropolitan('Taguig', 'PH-00', 1_260),
  metropolitan('Pasig', 'PH-00', 800),
  metropolitan('Valenzuela', 'PH-00', 715),
  metropolitan('Parañaque', 'PH-00', 690),
  metropolitan('Las Piñas', 'PH-00', 606),
  metropolitan('Makati', 'PH-00', 290),
  metropolitan('Muntinlupa', 'PH-00', 543),
  metropolitan('Mandaluyong', 'PH-00', 425),
  metropolitan('Cebu City', 'PH-CEB', 965),
  metropolitan('Mandaue', 'PH-CEB', 364),
  metropolitan('Lapu-Lapu', 'PH-CEB', 497),
  metropolitan('Davao City', 'PH-DAS', 1_776),
  elsewhere('Antipolo', 'PH-RIZ', 888),
  elsewhere('Dasmariñas', 'PH-CAV', 703),
  elsewhere('Bacoor', 'PH-CAV', 664),
  elsewhere('General Santos', 'PH-SCO', 697),
  elsewhere('Zamboanga City', 'PH-ZAS', 977),
  elsewhere('Cagayan de Oro', 'PH-MSR', 728),
  elsewhere('Iloilo City', 'PH-ILI', 458),
  elsewhere('Bacolod', 'PH-NEC', 600),
  elsewhere('Angeles', 'PH-PAM', 463),
  elsewhere('San Fernando', 'PH-PAM', 354),
  elsewhere('Calamba', 'PH-LAG', 540),
  elsewhere('Santa Rosa', 'PH-LAG', 415),
  elsewhere('Batangas City', 'PH-BTG', 351),
  elsewhere('Lipa', 'PH-BTG', 372),
  elsewhere('Baguio', 'PH-BEN', 366),
  elsewhere('San Jose del Monte', 'PH-BUL', 651),
  elsewhere('Malolos', 'PH-BUL', 261),
  elsewhere('Naga', 'PH-CAS', 209),
  elsewhere('Legazpi', 'PH-ALB', 210),
  elsewhere('Tacloban', 'PH-LEY', 252),
  elsewhere('Butuan', 'PH-AGN', 373),
  elsewhere('Puerto Princesa', 'PH-PLW', 308),
  elsewhere('Dumaguete', 'PH-NER', 134),
];
