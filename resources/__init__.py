"""Named genotypes, icons, translations and templates that ship with nascope."""
