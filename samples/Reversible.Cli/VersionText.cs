using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Prints the version of this assembly, even if another program hosts it.</summary>
internal sealed class VersionText : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        string version = typeof(VersionText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        parseResult.InvocationConfiguration.Output.WriteLine(version);
        return ExitCode.Done;
    }
}
