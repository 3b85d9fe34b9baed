namespace Microsoft.ML.Reversible.Tests.Storage;

/// <summary>An empty folder that is deleted with its content on disposal.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public string FullName { get; } = Directory.CreateTempSubdirectory("reversible-").FullName;

    public string[] Entries => Directory.EnumerateFileSystemEntries(FullName).Select(entry => Path.GetFileName(entry)).Order().ToArray();

    public string File(string name) => Path.Combine(FullName, name);

    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
