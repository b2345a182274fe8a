/** Numbers, dates and times as PostgreSQL prints them: checked and put into that form, from text, for single values. */

const WORD = /^(NaN|-?Infinity)$/;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
/** PostgreSQL's limits for an unconstrained numeric. */
const MAX_INTEGER_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;

/** Plain digits at the declared scale; null when the text is no number, or does not fit exactly. */
export function plainDecimal(text: string, precision: number | undefined, scale: number | undefined): string | null {
  if (WORD.test(text)) return text === 'NaN' || precision === undefined ? text : null;
  const parts = DECIMAL.exec(text);
  if (!parts) return null;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const point = whole.length + Number(exponent);
  const all = (whole + fraction).padEnd(point, '0');
  const shifted = point < 0 ? '0'.repeat(-point) + all : all;
  const place = Math.max(point, 0);
  const integer = shifted.slice(0, place).replace(/^0+(?=\d)/, '') || '0';
  let digits = shifted.slice(place);
  if (precision !== undefined) {
    const declared = scale ?? 0;
    if (/[1-9]/.test(digits.slice(Math.max(declared, 0)))) return null;
    digits = digits.slice(0, Math.max(declared, 0)).padEnd(Math.max(declared, 0), '0');
    const significant = (integer + digits).replace(/^0+/, '');
    if (declared < 0 && !/^0+$/.test(integer.slice(declared)) && integer !== '0') return null;
    if (significant.length > precision - Math.min(declared, 0)) return null;
  }
  if (integer.length > MAX_INTEGER_DIGITS || digits.length > MAX_FRACTION_DIGITS) return null;
  const plain = digits === '' ? integer : `${integer}.${digits}`;
  return sign !== '' && /[1-9]/.test(plain) ? `-${plain}` : plain;
}

/** As PostgreSQL prints a float: shortest digits, an exponent below 1e-4 and from 1e15 (real: 1e6) on; null when out of range. */
export function floatText(text: string, single: boolean): string | null {
  if (WORD.test(text)) return text;
  if (!DECIMAL.test(text)) return null;
  const value = single ? Math.fround(Number(text)) : Number(text);
  if (!Number.isFinite(value)) return null;
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponentText = ''] = shortest(value, single).split('e');
  const exponent = Number(exponentText);
  const digits = mantissa.replace(/[-.]/g, '');
  const sign = value < 0 ? '-' : '';
  if (exponent < -4 || exponent >= (single ? 6 : 15)) {
    const rest = digits.slice(1);
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits.slice(0, 1)}${rest === '' ? '' : `.${rest}`}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const integer = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return sign + (fraction === '' ? integer : `${integer}.${fraction}`);
}

/** The shortest digits that read back as the value, in exponential form. */
function shortest(value: number, single: boolean): string {
  if (!single) return value.toExponential();
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return text;
  }
  return value.toExponential();
}

const DATE = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/;
const CLOCK = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/;

export function isInfinity(text: string): boolean {
  return text === 'infinity' || text === '-infinity';
}

/** 4713-01-01 BC to 5874897-12-31, as PostgreSQL has it. */
export function isDate(text: string, lastYear = 5_874_897): boolean {
  if (isInfinity(text)) return true;
  const parts = DATE.exec(text);
  if (!parts) return false;
  const [, yearText = '', month, day, bc] = parts;
  const year = Number(yearText);
  if (year === 0 || (yearText.length > 4 && yearText.startsWith('0'))) return false;
  if (year > (bc ? 4713 : lastYear)) return false;
  return (
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= daysIn(bc ? 1 - year : year, Number(month))
  );
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** `10:00:00.5`, `2024-03-01 10:00:00.5`, `2024-03-01 10:00:00.5+00`, with ` BC` behind. */
export function isTime(kind: 'time' | 'timestamp' | 'timestamptz', text: string): boolean {
  if (kind === 'time') return text === '24:00:00' || CLOCK.test(text);
  if (isInfinity(text)) return true;
  const parts = /^(\S+) (\S+?)(\+00)?( BC)?$/.exec(text);
  if (!parts) return false;
  const [, date = '', clock = '', zone, bc = ''] = parts;
  return (zone !== undefined) === (kind === 'timestamptz') && CLOCK.test(clock) && isDate(date + bc, 294_276);
}
