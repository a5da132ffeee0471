package reconcile

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// promise notes in an operation of which kinds its hooks are, before any of them
// is made: if this process dies then, and Git states no object of such a kind any
// more, the next one would not look for what was left, and our finalizer stand on
// it for ever. Kinds of an earlier try stay.
func promise(op *api.OperationState, desired *Desired) {
	if len(desired.Hooks) == 0 || op.Operation.Sync.DryRun || !withHooks(op.Operation.Sync) {
		return
	}
	kinds := map[string]bool{}
	for word := range strings.FieldsSeq(infoOf(op, api.AnnotationHookKinds)) {
		kinds[word] = true
	}
	for _, h := range desired.Hooks {
		gvk := h.Object.GVK()
		kinds[gvk.Kind+"."+gvk.Version+"."+gvk.Group] = true
	}
	note := api.Info{Name: api.AnnotationHookKinds, Value: strings.Join(slices.Sorted(maps.Keys(kinds)), " ")}
	rest := slices.DeleteFunc(slices.Clone(op.Operation.Info), func(i api.Info) bool { return i.Name == note.Name })
	op.Operation.Info = append(rest, note)
}

// maxHookKinds bounds what is read of a note, for anybody may write an operation.
const maxHookKinds = 64

// promised reads the kinds of an operation's hooks. What is none is left out.
func promised(op *api.OperationState) (kinds []schema.GroupVersionKind) {
	if op == nil {
		return nil
	}
	for word := range strings.FieldsSeq(infoOf(op, api.AnnotationHookKinds)) {
		if gvk, _ := schema.ParseKindArg(word); gvk != nil && len(kinds) < maxHookKinds {
			kinds = append(kinds, *gvk)
		}
	}
	return kinds
}
