"""What came of delivery attempts: classes of outcomes, and the rules that find them."""
