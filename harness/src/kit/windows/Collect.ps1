# Puts the logs of a run into a folder, and into a ZIP file where this PowerShell can. "revlab import-sut-logs"
# reads the folder.
param(
    # The begin of the run, such as '2026-11-26T17:00:00Z'; without it, everything of the last day.
    [string] $Since = '',
    # Where to; a new folder beside this script without it.
    [string] $To = ''
)

. (Join-Path (Split-Path -Parent $MyInvocation.MyCommand.Path) 'Common.ps1')
Assert-Administrator

$from = (Get-Date).ToUniversalTime().AddDays(-1)
if ($Since) { $from = [DateTime]::Parse($Since, [Globalization.CultureInfo]::InvariantCulture).ToUniversalTime() }
if (-not $To) { $To = Join-Path $Here ('logs-' + (Get-Date).ToUniversalTime().ToString('yyyyMMdd-HHmmss')) }
if (Test-Path $To) { throw ('"' + $To + '" is there already: give a new folder with -To.') }
New-Item -ItemType Directory -Path $To | Out-Null

function Save-Text([string] $Name, [object[]] $Lines) {
    [IO.File]::WriteAllLines((Join-Path $To $Name), [string[]] @($Lines))
}

function Copy-Newer([string] $Pattern, [string] $Below) {
    $files = @(Get-ChildItem -Path $Pattern -ErrorAction SilentlyContinue |
        Where-Object { -not $_.PSIsContainer -and $_.LastWriteTimeUtc -ge $from })
    if ($files.Count -eq 0) { return }
    $folder = Join-Path $To $Below
    New-Item -ItemType Directory -Path $folder | Out-Null
    # IIS holds its logs open: they are read as they are.
    foreach ($file in $files) { Copy-Item $file.FullName $folder }
}

# Lines that http.sys has not written yet.
& netsh.exe http flush logbuffer | Out-Null

$query = "*[System[TimeCreated[@SystemTime>='" + $from.ToString('yyyy-MM-ddTHH:mm:ss.000Z') + "']]]"
New-Item -ItemType Directory -Path (Join-Path $To 'Microsoft-Windows-CAPI2') | Out-Null
Save-Text 'Microsoft-Windows-CAPI2\Operational.xml' (Invoke-Program 'wevtutil.exe' @('qe', $Capi2, ('/q:' + $query), '/f:xml', '/e:Events'))

if (Test-Site) {
    $id = Invoke-Program $Appcmd @('list', 'site', $Kit.Site, '/text:id')
    $w3svc = 'W3SVC' + $id
    $logs = Invoke-Program $Appcmd @('list', 'site', $Kit.Site, '/text:logFile.directory')
    $traces = Invoke-Program $Appcmd @('list', 'site', $Kit.Site, '/text:traceFailedRequestsLogging.directory')
    Copy-Newer ([Environment]::ExpandEnvironmentVariables($logs) + '\' + $w3svc + '\*.log') $w3svc
    Copy-Newer ([Environment]::ExpandEnvironmentVariables($traces) + '\' + $w3svc + '\fr*.xml') ('FailedReqLogFiles\' + $w3svc)
}
Copy-Newer (Join-Path $env:SystemRoot 'System32\LogFiles\HTTPERR\httperr*.log') 'HTTPERR'

Save-Text 'urlcache.txt' (& certutil.exe -urlcache 2>&1)
Save-Text 'sslcert.txt' (& netsh.exe http show sslcert 2>&1)
Save-Text 'hotfixes.txt' (Get-HotFix -ErrorAction SilentlyContinue | ForEach-Object { $_.HotFixID })
Save-Text 'system.txt' @([Environment]::OSVersion.VersionString, (Get-Date).ToUniversalTime().ToString('o'))

if (Get-Command Compress-Archive -ErrorAction SilentlyContinue) {
    Compress-Archive -Path $To -DestinationPath ($To + '.zip')
}
Write-Output ('Collected in ' + $To)
