"""Networks and genotypes in the forms of other tools, each compared with the original before it is handed over."""
