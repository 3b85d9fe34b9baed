namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>What a file holds of a tokenizer.</summary>
/// <param name="Codec">How it turns text into ids and back.</param>
/// <param name="EndOfTextId">What ends a document.</param>
/// <param name="EndOfText">How it is written.</param>
/// <param name="BeginOfTextId">What is put before every text; the end of a document where nothing is.</param>
/// <param name="PrefixId">What an empty context is.</param>
/// <param name="Prefix">How it is written.</param>
/// <param name="ClassName">Hugging Face's class for it.</param>
internal sealed record TokenizerParts(
    ITokenCodec Codec, int EndOfTextId, string EndOfText, int BeginOfTextId, int PrefixId, string Prefix, string ClassName)
{
    /// <summary>The parts of a vocabulary without fault.</summary>
    public static TokenizerParts Of(Vocabulary vocabulary, string className)
    {
        List<string> tokens = [.. vocabulary.Tokens];
        return new(
            new VocabularyCodec(vocabulary), tokens.IndexOf(vocabulary.EndOfText), vocabulary.EndOfText,
            tokens.IndexOf(vocabulary.BeginOfText), tokens.IndexOf(vocabulary.Prefix), vocabulary.Prefix, className);
    }

    /// <summary>The parts of a vocabulary without fault.</summary>
    public static TokenizerParts Of(SentencePieceVocabulary vocabulary, (int End, int Begin, int Prefix) ids, string className) => new(
        new SentencePieceCodec(vocabulary, ids.End, ids.Begin), ids.End, vocabulary.Pieces[ids.End].Text,
        ids.Begin, ids.Prefix, vocabulary.Pieces[ids.Prefix].Text, className);
}
