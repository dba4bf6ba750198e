"""Parameters and multiply-adds in closed form, for cells, networks and supernets. No torch."""
