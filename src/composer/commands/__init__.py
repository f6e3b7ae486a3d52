"""The verbs of the command line: each module declares its flags (`add_arguments`) and runs (`run`)."""
