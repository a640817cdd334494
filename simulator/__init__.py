"""An SMSC to talk to: for the demo, tests, rehearsals and benchmarks; built on smpp/."""
