namespace Microsoft.ML.Reversible;

/// <summary>A hidden state of the teacher and the hidden state of the student that is trained to match it.</summary>
/// <param name="Teacher">The index l of the teacher's hidden state p_l, from 0 (the embedding) to the number of layers.</param>
/// <param name="Student">The index l of the student's hidden state p_l, likewise.</param>
public readonly record struct LayerPair(int Teacher, int Student);
