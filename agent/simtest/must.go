package simtest

// must ends the run at a mistake of the simulation itself.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // nobody could do anything about it
	}
}
