using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>A folder with a SentencePiece tokenizer to which the tokens of a chat format are added.</summary>
internal sealed class ChatTokenizerFolder : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public ChatTokenizerFolder(ChatFormat format, bool isSpecial = true, bool takesSpaceAfter = false)
    {
        string model = TestData.Require("stories260k/tok512.model");
        File.Copy(model, System.IO.Path.Combine(Path, "tokenizer.model"));
        int id = 512;
        var added = new JsonObject();
        foreach (string token in format.Tokens)
        {
            added[id++.ToString(System.Globalization.CultureInfo.InvariantCulture)] = new JsonObject
            {
                ["content"] = token, ["special"] = isSpecial, ["rstrip"] = takesSpaceAfter, ["normalized"] = false,
            };
        }
        File.WriteAllText(
            System.IO.Path.Combine(Path, "tokenizer_config.json"), new JsonObject { ["added_tokens_decoder"] = added }.ToJsonString());
    }

    public string Path => _folder.FullName;

    public LanguageModelTokenizer Load() => LanguageModelTokenizer.Load(Path);

    public void Dispose() => _folder.Dispose();
}
