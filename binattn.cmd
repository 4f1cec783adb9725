@echo off
rem Runs the command line from a checkout, from any directory; builds it on first use and whenever a source is newer than the build.
setlocal
set "here=%~dp0"
set "program=%here%artifacts\bin\BinaryAttention.Cli\release\binattn.dll"
if not exist "%program%" (
  echo building binattn ^(first use^)... 1>&2
  goto build
)
powershell -NoProfile -Command "$built=(Get-Item $env:program).LastWriteTimeUtc; if (Get-ChildItem (Join-Path $env:here 'src') -Recurse -File -Include *.cs,*.csproj,*.props,*.json,*.txt | Where-Object LastWriteTimeUtc -gt $built | Select-Object -First 1) { exit 3 }"
if not errorlevel 3 goto run
echo building binattn ^(sources changed^)... 1>&2
:build
set "log=%TEMP%\binattn-build-%RANDOM%.log"
pushd "%here%"
dotnet build src\BinaryAttention.Cli -c Release -v quiet -nologo > "%log%" 2>&1
set "result=%ERRORLEVEL%"
popd
if not "%result%"=="0" (
  type "%log%" 1>&2
  del "%log%"
  echo binattn: the build failed; its output is above. 1>&2
  exit /b 1
)
del "%log%"
powershell -NoProfile -Command "(Get-Item $env:program).LastWriteTimeUtc = [DateTime]::UtcNow"
:run
dotnet "%program%" %*
exit /b %ERRORLEVEL%
