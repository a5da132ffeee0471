package leak

// mask stands where a value was.
const mask = "(hidden)"

// redact takes what it finds of wanted entries out of a text: of those at one
// place the longest.
func (t *table) redact(text string, wanted func(entry) bool) string {
	var out []byte
	in, done := []byte(text), 0
	t.find(in, func(at int, e entry) int {
		if !wanted(e) || at+e.length <= done {
			return 1
		}
		if at >= done { // not what overlaps with the one before
			out = append(append(out, in[done:at]...), mask...)
		}
		done = at + e.length
		return 1
	})
	if done == 0 {
		return text
	}
	return string(append(out, in[done:]...))
}
