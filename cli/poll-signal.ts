/**
 * What ends long polls that come one after the other. Temporal's client leaves a listener at its signal for every call and
 * takes none away: a wait of hours would gather thousands. Here each takes the place of the one before, whose call is over.
 */
type Add = EventTarget['addEventListener'];

export function pollSignal(ended: AbortSignal): AbortSignal {
  const signal = AbortSignal.any([ended]);
  const add: Add = signal.addEventListener.bind(signal);
  let newest: Parameters<Add>[1] | undefined;
  const addEventListener: Add = (type, listener, options) => {
    if (newest !== undefined) signal.removeEventListener(type, newest);
    newest = listener;
    add(type, listener, options);
  };
  return Object.assign(signal, { addEventListener });
}
