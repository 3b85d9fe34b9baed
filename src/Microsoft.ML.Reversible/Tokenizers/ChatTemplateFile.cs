using System.Text;
using System.Text.Unicode;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The file with the template that writes conversations, in folders where tokenizer_config.json has none.</summary>
internal static class ChatTemplateFile
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "chat_template.jinja";

    /// <summary>Reads the file; null if there is none.</summary>
    /// <exception cref="InvalidDataException">It is not UTF-8, or too long.</exception>
    public static string? Read(string folder)
    {
        var files = new TokenizerFiles(folder);
        if (!files.Has(FileName)) return null;
        byte[] file = files.Read(FileName);
        return Utf8.IsValid(file)
            ? new StreamReader(new MemoryStream(file)).ReadToEnd()
            : throw TokenizerJson.Malformed(files.PathOf(FileName), "it is not UTF-8");
    }

    /// <summary>Writes the file.</summary>
    public static void Write(string folder, string template) =>
        AtomicFile.Write(Path.Combine(folder, FileName), stream => stream.Write(Encoding.UTF8.GetBytes(template)));
}
