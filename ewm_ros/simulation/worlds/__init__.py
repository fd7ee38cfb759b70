"""The language of world files: read, checked, drawn, made from seeds; and the floors that they describe."""
