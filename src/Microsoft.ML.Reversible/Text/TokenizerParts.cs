namespace Microsoft.ML.Reversible.Text;

/// <summary>What a file holds of a tokenizer.</summary>
/// <param name="Codec">How it turns text into ids and back.</param>
/// <param name="EndOfTextId">What ends a document.</param>
/// <param name="EndOfText">How it is written.</param>
/// <param name="BeginOfTextId">What a document begins after.</param>
/// <param name="BeginOfText">How it is written.</param>
/// <param name="ClassName">Hugging Face's class for it.</param>
internal sealed record TokenizerParts(
    ITokenCodec Codec, int EndOfTextId, string EndOfText, int BeginOfTextId, string BeginOfText, string ClassName)
{
    /// <summary>The parts of a vocabulary without fault.</summary>
    public static TokenizerParts Of(Vocabulary vocabulary, string className)
    {
        List<string> tokens = [.. vocabulary.Tokens];
        return new(
            new VocabularyCodec(vocabulary), tokens.IndexOf(vocabulary.EndOfText), vocabulary.EndOfText,
            tokens.IndexOf(vocabulary.BeginOfText), vocabulary.BeginOfText, className);
    }

    /// <summary>The parts of a vocabulary without fault.</summary>
    public static TokenizerParts Of(SentencePieceVocabulary vocabulary, (int End, int Begin) ids, string className) => new(
        new SentencePieceCodec(vocabulary, ids.End, ids.Begin), ids.End, vocabulary.Pieces[ids.End].Text,
        ids.Begin, vocabulary.Pieces[ids.Begin].Text, className);
}
