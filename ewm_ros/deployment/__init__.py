"""What is to be started for a run, said once: `ewm demo` and the files in launch/ both read it here."""
