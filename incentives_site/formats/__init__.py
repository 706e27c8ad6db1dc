"""How dates are written where Django's own way for a language would be read differently on two sides of an ocean."""
