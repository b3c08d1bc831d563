"""What is asked of a trained network: noise, reverse transmission, gradients of the input, transfer."""
