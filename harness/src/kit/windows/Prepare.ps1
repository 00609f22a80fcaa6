# Prepares an IIS site that asks for client certificates and checks their revocation. Undo.ps1 takes back
# what this has done, and nothing else. It can be run again: what is there already stays.

. (Join-Path (Split-Path -Parent $MyInvocation.MyCommand.Path) 'Common.ps1')
Assert-Administrator
if (-not (Test-Path $Appcmd)) { throw 'IIS is not installed (there is no appcmd.exe).' }

# Certificates: roots, CAs below them, the server with its key.
foreach ($certificate in $Kit.Certificates) {
    if (Test-Certificate $certificate.Store $certificate.Thumbprint) { continue }
    Add-Step 'certificate' ($certificate.Store + '\' + $certificate.Thumbprint)
    $file = Join-Path $Here $certificate.File
    Invoke-Program 'certutil.exe' @('-f', '-addstore', $certificate.Store, $file) | Out-Null
}
if (-not (Test-Certificate 'My' $Kit.Server.Thumbprint)) {
    $password = [IO.File]::ReadAllText((Join-Path $Here 'password.txt')).Trim()
    Add-Step 'certificate' ('My\' + $Kit.Server.Thumbprint)
    $file = Join-Path $Here $Kit.Server.File
    Invoke-Program 'certutil.exe' @('-f', '-p', $password, '-importpfx', 'My', $file, 'NoExport') | Out-Null
    if (-not (Test-Certificate 'My' $Kit.Server.Thumbprint)) {
        throw ('certutil has not put ' + $Kit.Server.Thumbprint + ' into the store My')
    }
}

# Names: where the machine finds CRLs, OCSP responders and CA certificates.
$known = @(Get-Content $HostsFile)
$wanted = @($Kit.Hosts | Where-Object { $known -notcontains $_ })
if ($wanted.Count -gt 0) {
    foreach ($line in $wanted) { Add-Step 'hosts' $line }
    [IO.File]::AppendAllText($HostsFile, "`r`n" + ($wanted -join "`r`n") + "`r`n")
    Invoke-Program 'ipconfig.exe' @('/flushdns') | Out-Null
}

# The site, with its own folder, failed-request tracing of every refusal, and client certificates required.
if (-not (Test-Path $Kit.Folder)) {
    Add-Step 'folder' $Kit.Folder
    New-Item -ItemType Directory -Path $Kit.Folder | Out-Null
    Copy-Item (Join-Path $Here 'site\*') $Kit.Folder
}
if ((Test-Site) -and -not (Test-Step 'site' $Kit.Site)) {
    throw ('There is a site "' + $Kit.Site + '" that this kit has not made: it stays as it is. Remove or rename it.')
}
if (-not (Test-Site)) {
    Add-Step 'site' $Kit.Site
    $binding = '/bindings:https/*:' + $Kit.Port + ':'
    Invoke-Program $Appcmd @('add', 'site', ('/name:' + $Kit.Site), $binding, ('/physicalPath:' + $Kit.Folder)) | Out-Null
}
Invoke-Program $Appcmd @('set', 'config', $Kit.Site, '/section:access', '/sslFlags:Ssl,SslNegotiateCert,SslRequireCert', '/commit:apphost') | Out-Null
Invoke-Program $Appcmd @('set', 'site', $Kit.Site, '/traceFailedRequestsLogging.enabled:true', '/traceFailedRequestsLogging.maxLogFiles:10000') | Out-Null

# The binding of http.sys. "clientcertnegotiation" has it ask in the first handshake: revlab's clients cannot
# renegotiate.
$endpoint = '0.0.0.0:' + $Kit.Port
if (-not (Test-Step 'sslcert' $endpoint)) {
    & netsh.exe http show sslcert ('ipport=' + $endpoint) | Out-Null
    if ($LASTEXITCODE -eq 0) {
        throw ('http.sys has a certificate at ' + $endpoint + ' already: it stays. Make the kit with another --https-port.')
    }
    Add-Step 'sslcert' $endpoint
    $arguments = @('http', 'add', 'sslcert', ('ipport=' + $endpoint), ('certhash=' + $Kit.Server.Thumbprint),
        ('appid=' + $Kit.AppId), 'certstorename=MY', 'clientcertnegotiation=enable') + $Kit.Revocation
    Invoke-Program 'netsh.exe' $arguments | Out-Null
}

# The log of the chain engine, large enough for a run.
if (-not (Test-Step 'capi2' 'changed')) {
    $enabled = Get-Capi2 'enabled'
    $size = Get-Capi2 'maxSize'
    Add-Step 'capi2-enabled' $enabled
    Add-Step 'capi2-size' $size
    Add-Step 'capi2' 'changed'
    Invoke-Program 'wevtutil.exe' @('sl', $Capi2, '/e:true', '/ms:104857600', '/q:true') | Out-Null
}

& (Join-Path $Here 'Clear-Cache.ps1')
Invoke-Program $Appcmd @('start', 'site', $Kit.Site) | Out-Null
Write-Output ('Ready: https://' + $Kit.Host + ':' + $Kit.Port + '/ asks for client certificates. Undo.ps1 takes all of it back.')
