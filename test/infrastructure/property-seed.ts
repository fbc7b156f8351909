/**
 * Property tests draw from a fixed seed, so that a run of CI can be repeated; PROPERTY_SEED=N draws others, and what
 * they find stays as an example in the test.
 */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['PROPERTY_SEED'] ?? 20261123) });
