"""The whole installation under fire: real servers, real clients, and somebody who kills processes."""
