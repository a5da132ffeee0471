package scan

import "github.com/tidelock-io/tidelock/render/shelf"

// Remembering returns a Scanner whose Tree does not look again into texts in which an
// earlier one of the same program found nothing, at that place, by the same rules. All
// that is kept of a text is a digest, and of one with a finding, or of which a finding
// depends on other files, not even that.
func (s *Scanner) Remembering(on shelf.Keeper, program, place string) *Scanner {
	if s.rules.id == "" {
		return s
	}
	with := *s
	with.cleared = func(root string) *shelf.Cleared {
		return shelf.NewCleared(on, "texts", program, s.rules.id, place, root)
	}
	return &with
}
