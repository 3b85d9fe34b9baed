namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>Something that reads a folder.</summary>
/// <param name="Name">What it is called in messages.</param>
/// <param name="Make">Makes a good folder at a path that does not exist yet.</param>
/// <param name="Load">Reads the folder, uses what it has read a little, and lets go of it.</param>
/// <param name="Refusals">The exceptions that are documented for damaged files.</param>
internal sealed record FuzzTarget(string Name, Action<string> Make, Action<string> Load, params Type[] Refusals)
{
    public override string ToString() => Name;
}
