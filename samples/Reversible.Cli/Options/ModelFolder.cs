namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>The folder of a model to read. It is checked before data is read.</summary>
internal static class ModelFolder
{
    /// <summary>Checks that the folder exists.</summary>
    /// <param name="option">The option that names it.</param>
    /// <param name="folder">The folder; null if the option was not typed.</param>
    /// <param name="beside">What else the folder holds, for a file that is named in its place.</param>
    /// <exception cref="UsageException">There is no such folder.</exception>
    public static void Check(string option, string? folder, string beside = "the model's config.json")
    {
        if (folder is null || Directory.Exists(folder)) return;
        if (string.IsNullOrWhiteSpace(folder)) throw new UsageException($"{option} must name a folder.");
        throw new UsageException(File.Exists(folder)
            ? $"{option}: '{folder}' is a file. Name the folder that holds it and {beside}."
            : $"{option}: the folder '{folder}' does not exist. Name a local folder; models are not downloaded.");
    }
}
