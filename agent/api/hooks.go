package api

import "slices"

// HookType is a moment of a sync, or of an application's deletion, at which a hook runs.
type HookType string

// The hook types. Skip takes the object out of the application altogether.
const (
	HookPreSync    HookType = "PreSync"
	HookSync       HookType = "Sync"
	HookPostSync   HookType = "PostSync"
	HookSyncFail   HookType = "SyncFail"
	HookSkip       HookType = "Skip"
	HookPreDelete  HookType = "PreDelete"
	HookPostDelete HookType = "PostDelete"
)

// Known reports whether the type is one of the constants.
func (h HookType) Known() bool {
	switch h {
	case HookPreSync, HookSync, HookPostSync, HookSyncFail, HookSkip, HookPreDelete, HookPostDelete:
		return true
	}
	return false
}

// IsHook reports whether annotations make an object a hook, of whatever moment: by
// Argo CD's words or by Helm's. Helm's crd-install alone makes none.
func IsHook(annotations map[string]string) bool {
	return len(ParseList(annotations[AnnotationHook])) > 0 ||
		slices.ContainsFunc(ParseList(annotations[AnnotationHelmHook]), func(word string) bool { return word != "crd-install" })
}

// HookDeletePolicy says when a hook's object is deleted.
type HookDeletePolicy string

// The hook delete policies. BeforeHookCreation is the default; the other two act at
// the end of the whole sync.
const (
	HookDeleteBeforeCreation HookDeletePolicy = "BeforeHookCreation"
	HookDeleteSucceeded      HookDeletePolicy = "HookSucceeded"
	HookDeleteFailed         HookDeletePolicy = "HookFailed"
)

// Known reports whether the policy is one of the constants.
func (p HookDeletePolicy) Known() bool {
	return p == HookDeleteBeforeCreation || p == HookDeleteSucceeded || p == HookDeleteFailed
}
