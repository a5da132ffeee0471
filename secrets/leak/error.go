package leak

// ErrorOf returns an error whose text has no value of an Application; err itself
// if there is nothing to take out. What errors.Is and errors.As find is as it was.
func (k *Known) ErrorOf(app string, err error) error {
	if k == nil || err == nil {
		return err
	}
	text := err.Error()
	if clean := k.RedactOf(app, text); clean != text {
		return &redacted{clean, err}
	}
	return err
}

// redacted has another text than its cause.
type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }
