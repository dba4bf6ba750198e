"""Many runs as one question: methods by seeds, random cells beside them. No torch: runs are processes of their own."""
