// Errors as Temporal stores them, their words and stack traces as a payload, so that the codec encrypts them with the rest.
// Temporal loads it by `require` and bundles it with the workflows: hence CommonJS and no import of ours.
const { DefaultFailureConverter } = require('@temporalio/common');

module.exports = { failureConverter: new DefaultFailureConverter({ encodeCommonAttributes: true }) };
