# What the other scripts share. Windows PowerShell 2.0 (Server 2008 R2) and later; nothing to install.

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$Here = Split-Path -Parent $MyInvocation.MyCommand.Path
. (Join-Path $Here 'Settings.ps1')

$StateFolder = Join-Path $env:ProgramData 'revlab-kit'
$StateFile = Join-Path $StateFolder ($Kit.Id + '.xml')
$Appcmd = Join-Path $env:SystemRoot 'System32\inetsrv\appcmd.exe'
$Capi2 = 'Microsoft-Windows-CAPI2/Operational'
$HostsFile = Join-Path $env:SystemRoot 'System32\drivers\etc\hosts'
$Resync = 'HKLM:\SOFTWARE\Microsoft\Cryptography\OID\EncodingType 0\CertDllCreateCertificateChainEngine\Config'

# Ends the script unless it may change the machine.
function Assert-Administrator {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal($identity)
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        throw 'This needs an elevated PowerShell: "Run as administrator".'
    }
}

# Runs a program; what it says when it fails is the message.
function Invoke-Program([string] $Program, [string[]] $Arguments) {
    $said = & $Program $Arguments 2>&1
    if ($LASTEXITCODE -ne 0) {
        throw ($Program + ' ' + ($Arguments -join ' ') + ' ended with ' + $LASTEXITCODE + ': ' + ($said -join ' '))
    }
    $said
}

# What has been done so far, in its order; nothing at first.
function Read-State {
    $state = @()
    if (Test-Path $StateFile) { $state = Import-Clixml $StateFile }
    return @($state)
}

function Write-State([object[]] $Done) {
    if (-not (Test-Path $StateFolder)) { New-Item -ItemType Directory -Path $StateFolder | Out-Null }
    $fresh = $StateFile + '.new'
    Export-Clixml -InputObject $Done -Path $fresh
    Move-Item -Force $fresh $StateFile
}

# Puts a step on record before it is taken, so that one that fails half-way is undone too.
function Add-Step([string] $What, [string] $Value) {
    Write-State (@(Read-State) + @{ What = $What; Value = $Value })
}

function Test-Step([string] $What, [string] $Value) {
    foreach ($step in @(Read-State)) {
        if ($step.What -eq $What -and $step.Value -eq $Value) { return $true }
    }
    return $false
}

function Test-Certificate([string] $Store, [string] $Thumbprint) {
    Test-Path ('Cert:\LocalMachine\' + $Store + '\' + $Thumbprint)
}

function Test-Site {
    $found = & $Appcmd list site $Kit.Site
    return [bool] $found
}

# One setting of the CAPI2 log, such as "enabled" or "maxSize".
function Get-Capi2([string] $Name) {
    foreach ($line in (Invoke-Program 'wevtutil.exe' @('gl', $Capi2))) {
        if ($line -match ('^\s*' + $Name + ':\s*(\S+)')) { return $Matches[1] }
    }
    throw ('wevtutil does not tell "' + $Name + '" of ' + $Capi2)
}
