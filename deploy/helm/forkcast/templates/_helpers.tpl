{{- define "forkcast.name" -}}
{{- if contains "forkcast" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-forkcast" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end -}}

{{- /* Of a CronJob of (dict root name), which may have 52 characters, and no others than these: what had to be changed for that is
kept apart by a hash of the whole. */ -}}
{{- define "forkcast.jobName" -}}
{{- $asked := printf "%s-%s" (include "forkcast.name" .root) .name -}}
{{- $name := regexReplaceAll "[^a-z0-9-]" (lower $asked) "-" | trimSuffix "-" -}}
{{- if or (ne $asked $name) (gt (len $name) 52) }}{{ printf "%s-%s" ($name | trunc 43 | trimSuffix "-") ($asked | sha256sum | trunc 8) }}{{ else }}{{ $name }}{{ end }}
{{- end -}}

{{- define "forkcast.selector" -}}
app.kubernetes.io/name: forkcast
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "forkcast.labels" -}}
{{ include "forkcast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "forkcast.claim" -}}
{{ .Values.persistence.existingClaim | default (include "forkcast.name" .) }}
{{- end -}}

{{- /* Of every pod: whom it runs as, and what it mounts. Nothing of the image can be written. Ends with the list of volumes, to which
pods add their own. */ -}}
{{- define "forkcast.pod" -}}
serviceAccountName: {{ include "forkcast.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap: {name: {{ include "forkcast.name" . }}}
  - name: data
    persistentVolumeClaim: {claimName: {{ include "forkcast.claim" . }}}
  - name: tmp
    emptyDir: {}
{{- end -}}

{{- define "forkcast.container" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "forkcast.mounts" -}}
- {name: config, mountPath: /etc/forkcast, readOnly: true}
- {name: data, mountPath: /var/lib/forkcast}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- /* Of every pod: where store, snapshots and models are. */ -}}
{{- define "forkcast.environment" -}}
- {name: FORKCAST_STORE, value: {{ .Values.store.url | quote }}}
- {name: FORKCAST_SNAPSHOTS, value: /var/lib/forkcast/snapshots}
- {name: FORKCAST_MODELS, value: {{ .Values.models.url | quote }}}
{{- with .Values.store.passwordSecret }}
{{- if .name }}
- name: {{ ternary "PGPASSWORD" "MYSQL_PWD" (hasPrefix "postgresql:" $.Values.store.url) }}
  valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key }}}}
{{- end }}
{{- end }}
{{- with .Values.models.credentialsSecret }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $.Values.models.credentialsSecret }}, key: {{ . }}}}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.models.environment }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- /* A CronJob of (dict root name component values image command). */ -}}
{{- define "forkcast.job" -}}
{{- $root := .root -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ include "forkcast.jobName" . }}
  labels: {{- include "forkcast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  schedule: {{ .values.schedule | quote }}
  timeZone: {{ $root.Values.timeZone }}
  concurrencyPolicy: Forbid
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 3
      # 2, 3: wrong settings or too little data: the same again changes nothing. 5 and a node that goes are tried again.
      podFailurePolicy:
        rules:
          - action: FailJob
            onExitCodes: {containerName: {{ .component }}, operator: In, values: [1, 2, 3, 70]}
      template:
        metadata:
          labels: {{- include "forkcast.selector" $root | nindent 12 }}
            app.kubernetes.io/component: {{ .component }}
        spec:
          restartPolicy: Never
          {{- include "forkcast.pod" $root | nindent 10 }}
          containers:
            - name: {{ .component }}
              image: {{ .image }}
              {{- include "forkcast.container" $root | nindent 14 }}
              command: {{ .command | toJson }}
              env: {{- include "forkcast.environment" $root | nindent 16 }}
                - {name: FORKCAST_CONFIG, value: /etc/forkcast/server.json}
              resources: {{- toYaml .values.resources | nindent 16 }}
              volumeMounts: {{- include "forkcast.mounts" $root | nindent 16 }}
{{- end -}}

{{- /* Refuses a secret, of (dict root value name key), that is not there or lacks the key: pods would wait for it without a word. Where no
cluster is asked, as by `helm template`, nothing is known; every namespace has an account "default". */ -}}
{{- define "forkcast.requireSecret" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $secret := lookup "v1" "Secret" $namespace .name -}}
{{- if $secret -}}
{{- if not (hasKey ($secret.data | default dict) .key) -}}
{{- fail (printf "%s: the secret %s in the namespace %s has no key %q" .value .name $namespace .key) -}}
{{- end -}}
{{- else if lookup "v1" "ServiceAccount" $namespace "default" -}}
{{- fail (printf "%s: there is no secret %s in the namespace %s; make it first, with the key %q" .value .name $namespace .key) -}}
{{- end -}}
{{- end -}}
