"""Libraries of routines: programs as differentiable functions of whole numbers."""
