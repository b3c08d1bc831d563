"""One module per figure: tidy rows that hold exactly what is drawn, and the drawing. Knows nothing of torch."""
