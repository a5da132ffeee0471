package api

import (
	"slices"
	"strings"
)

const (
	prefixArgo = "argocd.argoproj.io/"
	prefixOwn  = "tidelock.io/"
)

// annotationNames are those of Argo CD's and of our own that objects may have, and what
// people put beside them that is a label elsewhere.
var annotationNames = []string{
	AnnotationTrackingID, AnnotationInstallationID, AnnotationSyncWave, AnnotationHook, AnnotationHookDeletePolicy, AnnotationSyncOptions, AnnotationCompareOptions,
	AnnotationIgnoreHealthCheck, AnnotationIgnoreResourceUpdates, AnnotationIgnoreRestartPolicy, AnnotationIgnoreDefaultLinks, AnnotationRefresh, AnnotationRefreshTimestamp,
	AnnotationHydrate, AnnotationHydrateTimestamp, AnnotationSkipReconcile, AnnotationManifestGeneratePaths, AnnotationDeletionApproved, AnnotationManagedByURL,
	AnnotationClientSideApplyMigrationManager, AnnotationApplicationSetRefresh, AnnotationWait, AnnotationApprove, AnnotationRequireApproval, AnnotationApproved,
	AnnotationHookKinds, AnnotationSealedSecrets, AnnotationExternalSecrets, AnnotationAllowLeak, AnnotationDependsOn, AnnotationIgnoreDependencies, AnnotationSyncTimeout,
	AnnotationLookup, AnnotationValuesFrom, AnnotationAllowValuesFrom, AnnotationPostRender, AnnotationOperation, AnnotationHookTimeout, AnnotationRolloutOn, AnnotationRollout,
	LabelSecretType, prefixArgo + "instance",
}

// LintAnnotation says what is wrong with the name of an annotation, "" if that is
// nothing: one of our own that there is not, or almost one of Argo CD's. Of those Argo
// CD may get more.
func LintAnnotation(name string) (message, meant string) {
	own := strings.HasPrefix(name, prefixOwn)
	if !own && !strings.HasPrefix(name, prefixArgo) || slices.Contains(annotationNames, name) {
		return "", ""
	}
	var near []string
	for _, known := range annotationNames {
		if strings.HasPrefix(known, prefixOwn) == own {
			near = append(near, known)
		}
	}
	meant = Nearest(name, near)
	if meant == "" && !own {
		return "", ""
	}
	return "there is no such annotation, so that it says nothing", meant
}
