# Has every process of the machine forget what it has cached of CRLs and OCSP answers.

. (Join-Path (Split-Path -Parent $MyInvocation.MyCommand.Path) 'Common.ps1')
Assert-Administrator

if (-not (@(Read-State) | Where-Object { $_.What -eq 'resync' })) {
    $value = Get-ItemProperty -Path $Resync -Name ChainCacheResyncFiletime -ErrorAction SilentlyContinue
    $was = 'none'
    if ($value) { $was = (@($value.ChainCacheResyncFiletime) | ForEach-Object { '{0:x2}' -f $_ }) -join ' ' }
    Add-Step 'resync' $was
}

# certutil deletes the cache of the account that runs it; those of the services lie below these folders.
& certutil.exe -urlcache '*' delete | Out-Null
$profiles = @(
    (Join-Path $env:SystemRoot 'System32\config\systemprofile'),
    (Join-Path $env:SystemRoot 'ServiceProfiles\LocalService'),
    (Join-Path $env:SystemRoot 'ServiceProfiles\NetworkService')
)
foreach ($account in $profiles) {
    foreach ($below in @('Content', 'MetaData')) {
        $cache = Join-Path $account ('AppData\LocalLow\Microsoft\CryptnetUrlCache\' + $below)
        if (Test-Path $cache) {
            Get-ChildItem -Force $cache | Where-Object { -not $_.PSIsContainer } |
                Remove-Item -Force -ErrorAction SilentlyContinue
        }
    }
}
# What is in memory counts no more either.
Invoke-Program 'certutil.exe' @('-setreg', 'chain\ChainCacheResyncFiletime', '@now') | Out-Null
