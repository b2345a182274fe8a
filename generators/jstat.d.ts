/** The part of jstat that is used; the package has no types of its own. */
declare module 'jstat' {
  export const jStat: {
    chisquare: {
      /** Cumulative distribution. */
      cdf(x: number, degreesOfFreedom: number): number;
    };
  };
}
