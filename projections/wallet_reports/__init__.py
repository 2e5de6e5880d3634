"""Reports of one wallet, added up from its movements when they are asked for."""
