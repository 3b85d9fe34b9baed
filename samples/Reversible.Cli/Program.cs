// The command line: trains, evaluates and runs language models with reversible layers. See --help.
//
//   dotnet run -c Release --project samples/Reversible.Cli -- train --data book.txt --out model
//   dotnet run -c Release --project samples/Reversible.Cli -- generate --model model --prompt "Once upon a time"
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Reversible.Cli;

// The output is in English, and scripts read its numbers, so both use the invariant culture.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
Console.InputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

// The first Ctrl+C lets a run write its checkpoint, or ends an answer of 'chat'; a second one ends the process at once.
using var interrupts = new Interrupts();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return CommandLine.Run(args, Terminal.OfThisProcess() with { Interrupts = interrupts }, interrupts.Token);

void Stop(PosixSignalContext signal)
{
    if (interrupts.Handle(signal.Signal == PosixSignal.SIGINT, Console.Error)) signal.Cancel = true;
}
