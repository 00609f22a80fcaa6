# Takes back what Prepare.ps1 has done, the last first, by its record. It can be run again.

. (Join-Path (Split-Path -Parent $MyInvocation.MyCommand.Path) 'Common.ps1')
Assert-Administrator

$done = @(Read-State)
for ($i = $done.Count - 1; $i -ge 0; $i--) {
    $step = $done[$i]
    switch ($step.What) {
        'resync' {
            if ($step.Value -eq 'none') {
                if (Get-ItemProperty -Path $Resync -Name ChainCacheResyncFiletime -ErrorAction SilentlyContinue) {
                    Remove-ItemProperty -Path $Resync -Name ChainCacheResyncFiletime
                }
            } else {
                $bytes = [byte[]] @($step.Value.Split(' ') | ForEach-Object { [Convert]::ToByte($_, 16) })
                Set-ItemProperty -Path $Resync -Name ChainCacheResyncFiletime -Value $bytes
            }
        }
        'capi2-size' { Invoke-Program 'wevtutil.exe' @('sl', $Capi2, ('/ms:' + $step.Value), '/q:true') | Out-Null }
        'capi2-enabled' { Invoke-Program 'wevtutil.exe' @('sl', $Capi2, ('/e:' + $step.Value), '/q:true') | Out-Null }
        'sslcert' {
            & netsh.exe http show sslcert ('ipport=' + $step.Value) | Out-Null
            if ($LASTEXITCODE -eq 0) {
                Invoke-Program 'netsh.exe' @('http', 'delete', 'sslcert', ('ipport=' + $step.Value)) | Out-Null
            }
        }
        'site' {
            if (Test-Site) {
                & $Appcmd clear config $step.Value /section:access /commit:apphost | Out-Null
                Invoke-Program $Appcmd @('delete', 'site', $step.Value) | Out-Null
            }
        }
        'folder' {
            if (Test-Path $step.Value) { Remove-Item -Recurse -Force $step.Value }
        }
        'hosts' {
            $left = @(Get-Content $HostsFile | Where-Object { $_ -ne $step.Value })
            [IO.File]::WriteAllText($HostsFile, ($left -join "`r`n") + "`r`n")
        }
        'certificate' {
            $store, $thumbprint = $step.Value.Split('\')
            if (Test-Certificate $store $thumbprint) {
                Invoke-Program 'certutil.exe' @('-delstore', $store, $thumbprint) | Out-Null
            }
        }
    }
    # What is undone is not undone again, also where a later step fails.
    if ($i -gt 0) { Write-State @($done[0..($i - 1)]) } else { Remove-Item -Force $StateFile }
}
Write-Output 'Undone. What the caches of the machine hold stays until it expires.'
