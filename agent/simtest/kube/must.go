package kube

// must ends the run at a mistake of the server itself.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // nobody could do anything about it
	}
}
