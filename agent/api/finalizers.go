package api

// Finalizers of Applications. Without one of the first three, deleting an Application
// leaves its objects in place.
const (
	// FinalizerResources deletes the application's objects, foreground.
	FinalizerResources           = "resources-finalizer.argocd.argoproj.io"
	FinalizerResourcesForeground = "resources-finalizer.argocd.argoproj.io/foreground"
	FinalizerResourcesBackground = "resources-finalizer.argocd.argoproj.io/background"
	// FinalizerPreDelete and FinalizerPostDelete are there for as long as hooks of
	// these types are to run; those with /cleanup while they are being removed.
	FinalizerPreDelete         = "pre-delete-finalizer.argocd.argoproj.io"
	FinalizerPreDeleteCleanup  = "pre-delete-finalizer.argocd.argoproj.io/cleanup"
	FinalizerPostDelete        = "post-delete-finalizer.argocd.argoproj.io"
	FinalizerPostDeleteCleanup = "post-delete-finalizer.argocd.argoproj.io/cleanup"
)

// FinalizerHook is on hooks while they run, so that none is gone before its result
// was seen.
const FinalizerHook = "argocd.argoproj.io/hook-finalizer"
