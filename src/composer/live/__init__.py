"""The live engine: session, plan and worker, and the io process that plays on time."""
