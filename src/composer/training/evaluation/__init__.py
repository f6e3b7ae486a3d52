"""What `composer evaluate` measures, one module a suite; `composer.training.evaluate` puts them together."""
