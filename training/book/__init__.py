"""The recipe book: results of all recipes, kept with what decided them, and the pages that show them."""
