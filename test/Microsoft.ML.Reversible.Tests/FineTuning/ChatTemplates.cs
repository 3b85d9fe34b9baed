using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>A template of a chat format, with conversations as jinja2 writes them with it.</summary>
/// <param name="Format">The format.</param>
/// <param name="BeginOfText">The text of the token that begins a text.</param>
/// <param name="EndOfText">The text of the token that ends a text.</param>
/// <param name="Template">The template.</param>
/// <param name="Cases">The conversations, each with its text; null where the template refuses it.</param>
internal sealed record ChatTemplates(
    ChatFormat Format, string BeginOfText, string EndOfText, string Template,
    IReadOnlyList<(IReadOnlyList<ChatTurn> Turns, bool Prompt, string? Text)> Cases)
{
    /// <summary>The templates of all formats.</summary>
    public static IReadOnlyList<ChatTemplates> All { get; } = Read();

    /// <summary>Joins pieces with the texts of the tokens that begin and end a text.</summary>
    public string Join(IEnumerable<ChatPiece> pieces) => string.Concat(pieces.Select(piece => piece.Kind switch
    {
        ChatPieceKind.BeginOfText => BeginOfText,
        ChatPieceKind.EndOfText => EndOfText,
        _ => piece.Text,
    }));

    private static ChatTemplates[] Read()
    {
        using Stream stream = typeof(ChatTemplates).Assembly.GetManifestResourceStream("chat-templates.json")!;
        return [.. JsonNode.Parse(stream)!["formats"]!.AsObject().Select(format => new ChatTemplates(
            ChatFormat.Parse(format.Key), (string)format.Value!["bos"]!, (string)format.Value["eos"]!, (string)format.Value["template"]!,
            [.. format.Value["cases"]!.AsArray().Select(c => (TurnsOf(c!["turns"]!), (bool)c["prompt"]!, (string?)c["text"]))]))];
    }

    private static IReadOnlyList<ChatTurn> TurnsOf(JsonNode turns) =>
        [.. turns.AsArray().Select(turn => new ChatTurn((string)turn![0]!, (string)turn[1]!))];
}
