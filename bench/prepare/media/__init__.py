"""Read one video: its pictures and sound, vectors of the pictures, words of the sound."""
