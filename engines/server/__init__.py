"""What every HTTP process of the project shares: listening, stopping, its documentation page."""
