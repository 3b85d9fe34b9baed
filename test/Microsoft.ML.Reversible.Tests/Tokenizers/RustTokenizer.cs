using System.Text.Json.Nodes;
using Rust = global::Tokenizers.DotNet;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>A tokenizer.json as huggingface/tokenizers reads it, the reference of the field.</summary>
internal sealed class RustTokenizer : IDisposable
{
    private readonly Rust.Tokenizer _tokenizer;

    /// <summary>Reads a file; the test is inconclusive where the package has no library for the platform.</summary>
    /// <param name="file">The file.</param>
    /// <param name="whole">
    /// Whether special tokens in a text are found, and what the post-processor puts around it is added. Otherwise the text of a special
    /// token is text like any other.
    /// </param>
    public RustTokenizer(JsonObject file, bool whole = false)
    {
        var changed = (JsonObject)file.DeepClone();
        if (!whole)
        {
            changed["added_tokens"]!.AsArray().RemoveAll(token => (bool)token!["special"]!);
            changed["post_processor"] = null;
        }
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, changed.ToJsonString());
            _tokenizer = new Rust.Tokenizer(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or TypeInitializationException)
        {
            throw new AssertInconclusiveException("huggingface/tokenizers is referenced for Linux on x64 alone: " + e.Message, e);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public int[] Encode(string text) => Array.ConvertAll(_tokenizer.Encode(text), id => (int)id);

    public string Decode(int[] ids) => _tokenizer.Decode(Array.ConvertAll(ids, id => (uint)id));

    public void Dispose() => _tokenizer.Dispose();
}
