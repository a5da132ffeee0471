package api

import "fmt"

// unsupportedCompare are compare options of Applications that this version does
// not act on: it always goes by what the server made of an apply (DESIGN.md D7).
var unsupportedCompare = map[string]string{
	CompareOptionServerSideDiffFalse:    "differences are always the server's word",
	CompareOptionIncludeMutationWebhook: "what a webhook changes is no difference",
}

// Unsupported names what an Application asks for and does not get from this version:
// one sentence each, beginning with the field's path.
func Unsupported(app *Application) []string {
	var w []string
	if app.Spec.SourceHydrator != nil {
		w = append(w, "spec.sourceHydrator: only its sync source is read, nothing is hydrated")
	}
	for _, option := range ParseSyncOptions(app.Annotations[AnnotationCompareOptions]) {
		if why, ok := unsupportedCompare[option]; ok {
			w = append(w, fmt.Sprintf("metadata.annotations[%s]: %s: %s", AnnotationCompareOptions, option, why))
		}
	}
	return w
}
